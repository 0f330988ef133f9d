"""The Training page: from data to a model in use. Torch is never imported here: trainings and measurements are processes."""
