# Run by embed.cmake: writes the text FILE as the C array SYMBOL into OUT.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "extern const char ${SYMBOL}[];\nconst char ${SYMBOL}[] = {\n    ${hex}0x00};\n")
