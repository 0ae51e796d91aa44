"""How steps are run fast: samples on the device, many steps in one launch, and a measured choice of how to compile."""
