fitout keys new --quiet --out secret.asc --name "Ops <ops@example.org>" >/dev/null
fitout keys show --public secret.asc >public.asc
cat public.asc public.asc >two.asc
fitout keys show >/dev/null
