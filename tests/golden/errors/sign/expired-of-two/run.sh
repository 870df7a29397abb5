fitout keys new --quiet --out new.asc --name "Ops <ops@example.org>" >/dev/null
fitout keys show --public new.asc | cat old.asc - >both.asc
fitout keys show both.asc >/dev/null
