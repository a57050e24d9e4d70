package sources

// textInvalidMode is the message of a Namespace whose annotation is wrong.
const textInvalidMode = "Annotation %s of Namespace %s %w. Nothing is changed until it is corrected."
