# What a publisher leaves.
mkdir site/apt
: >site/apt/.fitout.lock
fitout plan --verbose 2>&1 >plan.txt | sed -n '/^note/,/= help/p' >&2
