"""From what each detector found to one account: incidents, row scores, verdict, exit code."""
