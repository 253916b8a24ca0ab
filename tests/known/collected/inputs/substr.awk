BEGIN {
    word = "äöüäöüäöüäöüäöüäöüä"
    print substr(word, 3)
}
