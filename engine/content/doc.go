// Package content says what a block holds: a list of segments, each of one kind of
// content with its parameters (the width of an image, the length of records). The
// encoder finds it with Detect and stores it in the block's record; Parse reads it back.
// It steers the choice of contexts, and Apply and Undo change code and numbers so that they are
// predicted better. A plan that does not fit the content costs size, never correctness.
package content
