"""Jobs, events, reports and servers as the client speaks of them: plain frozen values, no protobuf."""
