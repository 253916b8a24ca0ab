/[[:space:]ab]/ { print }
