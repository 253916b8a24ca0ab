{ print }
/never closed, and 32 \