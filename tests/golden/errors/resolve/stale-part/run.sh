fitout plan >plan.txt
