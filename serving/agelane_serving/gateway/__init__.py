"""The gRPC edge: checks photos, asks the model, applies the policy, fails safe."""
