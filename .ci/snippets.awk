# Writes each Go snippet of a Markdown file into a package of its own: a program as it stands, and a piece of one inside the function that wrapper ends
# with, or not at all if there is no wrapper.
/^```go$/ {
  inside = first = 1
  next
}
/^```$/ && inside {
  if (piece) print "}" >> file
  close(file)
  inside = 0
  next
}
inside && first {
  first = 0
  piece = !/^package /
  if (piece && wrapper == "") {
    inside = 0
    next
  }
  dir = sprintf("snippet%d", NR - 1)
  system("mkdir " dir)
  file = dir "/main.go"
  if (piece) {
    while ((getline line < wrapper) > 0) print line >> file
    close(wrapper)
  }
}
inside { print >> file }
