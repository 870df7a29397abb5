export RIGHT=open WRONG=sesame
fitout keys new --quiet --out locked.asc --name "Ops <ops@example.org>" --passphrase-env RIGHT >/dev/null
fitout keys new --quiet --out other.asc --name "Ops <ops@example.org>" --passphrase-env RIGHT >/dev/null
fitout keys show >/dev/null
