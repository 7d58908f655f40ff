"""Running a DAG of cached steps: keys, store, workers. Knows nothing of models."""
