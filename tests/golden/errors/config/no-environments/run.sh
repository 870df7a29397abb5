fitout build --quiet --environment staging
