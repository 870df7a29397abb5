touch key.asc
fitout keys new --out key.asc --name "Ops <ops@example.org>"
