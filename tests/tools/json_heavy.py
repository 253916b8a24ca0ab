# Builds, writes, reads and compares nested documents; what it prints depends on nothing but its argument.
import hashlib
import json
import sys

rounds = int(sys.argv[1])
digest = hashlib.sha256()
for number in range(rounds):
    document = {
        "id": number,
        "rows": [
            {"name": f"row {i}", "values": list(range(i % 40)), "ratio": i / 7, "tags": {str(i): None}}
            for i in range(200)
        ],
        "text": "héllo " * (number % 50),
    }
    text = json.dumps(document, indent=number % 3 or None, ensure_ascii=bool(number % 2))
    if json.loads(text)["rows"] != document["rows"]:
        sys.exit("a document came back changed")
    digest.update(text.encode())
print(digest.hexdigest())
