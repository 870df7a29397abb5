# Which note is said, not how many threads there are.
fitout plan --verbose 2>&1 >plan.txt | grep -v "Using threads" >&2
