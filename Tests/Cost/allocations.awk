# Counts the calls of the allocator's functions in a file that callgrind wrote.
# Source: Valgrind manual, "Callgrind Format Specification": names are written once, behind a number that stands for them.
function name_of(line) {
    match(line, /\([0-9]+\)/)
    number = substr(line, RSTART, RLENGTH)
    if (RSTART + RLENGTH <= length(line)) names[number] = substr(line, RSTART + RLENGTH + 1)
    return names[number]
}
/^fn=/ { name_of($0) }
/^cfn=/ { called = name_of($0) }
/^calls=/ && called ~ /^(malloc|calloc|realloc|posix_memalign|aligned_alloc|memalign)$/ {
    sub(/^calls=/, "", $1)
    count += $1
}
END { print count + 0 }
