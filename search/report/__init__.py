"""The report: a run or the archive as one HTML file, which loads no other file."""
