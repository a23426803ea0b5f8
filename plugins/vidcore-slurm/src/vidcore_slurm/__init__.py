"""vidcore-slurm: a run as a job of a Slurm cluster, which is queued again until it is done."""
