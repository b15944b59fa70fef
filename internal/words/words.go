// Package words finds the word that somebody may have meant.
package words

import "strings"

// Nearest returns the one of known that word is most probably meant to be, whatever
// the case of letters. Empty means that none is near. A word of three letters or more is
// near to each word that begins with it, though not as near as to one with another letter.
func Nearest(word string, known []string) (near string) {
	word = strings.ToLower(word)
	least := 2 * (len(word)/3 + 1)
	for _, k := range known {
		lower := strings.ToLower(k)
		d := 2 * Distance(word, lower)
		if len(word) >= 3 && strings.HasPrefix(lower, word) {
			d = min(d, 3)
		}
		if d <= least && (near == "" || d < least) {
			near, least = k, d
		}
	}
	return near
}

// Distance returns how many bytes must be inserted, removed or replaced to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
