export GIT_AUTHOR_NAME=o GIT_AUTHOR_EMAIL=o@example.org GIT_COMMITTER_NAME=o GIT_COMMITTER_EMAIL=o@example.org
git init -q .
printf '/dist\n/made\n/built\n/setup.sh\n/run.sh\n/expected.txt\n' >.gitignore
git add .
git commit -q -m first
