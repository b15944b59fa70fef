// Package words finds the word that somebody may have meant, and lists the words of a choice.
package words

import "strings"

// Nearest returns the known word that somebody has most probably meant by word, whatever the
// case of letters. Empty means that no known word is near. A word of three letters or more is
// near to each known word that begins with the word, but nearer to a known word that differs
// by a letter.
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

// Either lists the words of a choice: a, b or c.
func Either[W ~string](choice []W) string {
	var list strings.Builder
	for i, word := range choice {
		switch i {
		case 0:
		case len(choice) - 1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(word))
	}
	return list.String()
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
