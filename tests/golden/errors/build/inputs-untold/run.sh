git init --quiet
printf 'damaged, and long enough to be read as an index' > .git/index
fitout build --quiet > /dev/null
