"""The rules of a job without their machinery: states, events, ports, errors. Knows no SQL, no gRPC, no process."""
