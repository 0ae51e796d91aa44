"""What a run goes on from after it was killed or paused: everything that decides its next step, in files that are whole or not there."""
