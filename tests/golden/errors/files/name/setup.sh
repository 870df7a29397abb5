# A name in Latin-1, a name of two lines, a link to such a name.
touch "tree/$(printf 'caf\351')" "tree/$(printf 'two\nlines')"
ln -s "$(printf 'caf\351')" tree/link
