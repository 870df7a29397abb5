mkdir bin
cat > bin/npm <<'NPM'
#!/bin/sh
[ "$1" = run ] || exit 0
echo "> build"
echo "no such module"
exit 4
NPM
chmod 0755 bin/npm
PATH=$PWD/bin:$PATH fitout build --quiet
