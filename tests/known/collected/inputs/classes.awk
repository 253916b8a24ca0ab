/[[:space:]0123456789ABCDEFGHIJ[:alnum:]klm[:punct:]nopqrstuvwxyz]/ { print }
