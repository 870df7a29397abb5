fitout keys new --out key.asc
