git init --quiet
printf damaged > .git/index
fitout build --quiet > /dev/null
