# Which note is said, not what the rest of a build says.
fitout build --verbose 2>&1 >built.txt | sed -n '/^note/,/= help/p' >&2
