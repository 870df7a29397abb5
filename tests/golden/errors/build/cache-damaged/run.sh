fitout build --quiet > /dev/null
rm -r kept tree dist
for blob in "$FITOUT_CACHE_DIR"/store/blob/*/*; do printf damage > "$blob"; done
fitout build --quiet > /dev/null
# The next one finds a good entry and says nothing.
rm -r kept tree dist
fitout build > /dev/null 2> said
grep -q Restored said || cat said >&2
rm -r dist
