"""The recipe of each job, one page each."""
