# Content that compresses, and that is the same everywhere.
seq 1 8000 >tree/middle.txt
seq 1 400000 >tree/large.txt
: >tree/empty.txt
for i in 1 2 3; do echo "file $i" >"tree/few-$i.txt"; done
