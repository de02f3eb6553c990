/** A URL written out in a body; it ends before a template's delimiter, or punctuation that belongs to the sentence. */
export const URL_IN_TEXT = /https?:\/\/[^\s<>"'{}|\\^`]+[^\s<>"'{}|\\^`.,;:!?)\]]/gi;
