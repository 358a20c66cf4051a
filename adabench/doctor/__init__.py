"""What is wrong with a machine or with a folder of results, and what helps; only the machine needs torch."""
