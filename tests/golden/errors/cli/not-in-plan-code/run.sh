fitout explain config/unknown-kye
