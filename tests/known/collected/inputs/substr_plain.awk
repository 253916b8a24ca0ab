BEGIN {
    word = "aouaouaouaouaoua"
    print substr(word, 3)
}
