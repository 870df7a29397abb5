fitout build --quiet --out a >/dev/null
echo exit 1 >>greet
fitout build --quiet --out b >/dev/null
fitout merge a b
