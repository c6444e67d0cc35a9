"""The same model behind other model servers, beside ours."""
