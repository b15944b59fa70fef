// Package words finds the word that somebody may have meant.
package words

import "strings"

// Nearest returns the one of known that word is most probably meant to be, whatever
// the case of letters. Empty means that none is near.
func Nearest(word string, known []string) (near string) {
	least := len(word)/3 + 1
	for _, k := range known {
		if d := Distance(strings.ToLower(word), strings.ToLower(k)); d <= least && (near == "" || d < least) {
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
