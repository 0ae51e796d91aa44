"""What happens around every call, outermost first: metrics, errors, request id, who is it, may they."""
