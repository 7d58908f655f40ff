"""Recipe -> plan: which steps, their parameters, inputs and outputs. Pure."""
