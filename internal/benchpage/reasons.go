package main

// reasons tell why a goal is not met, by the row. The page shows the reason of a row only
// while the row is not met. Counts are instructions of one request.
var reasons = map[string]string{
	"OAuth2, a valid token, 3 headers": scan + " OAuth2 takes 210 more: the clock 84, the token 127.",
	"API key in a header":              scan,
	"Basic":                            scan,
	"API key in the query": "No header is scanned. The new query string takes about 450: the concatenation 151, the allocation 150, the copy the rest. " +
		"The search for a parameter of the same name takes about 190.",
	"API key in a cookie": "The scan of 4 headers takes about 470, joining the values 223, trimming 77, and the new string about 430.",
	"API key in a field of the body": "The floor neither reads nor changes the body. The search for digest headers takes about 750, " +
		"the search for the field in the form 435, reading 205, and deleting the framing headers 230. The body, Close and GetBody take three allocations.",
	"an empty hook": "A hook may change all values, so the values are copies. The copies take 302, three more insertions into a map 450, " +
		"with an array and a larger request beside them. The second check of `Hosts` takes 270, and the recovery from panics 250.",
	"the same with 50 values of `Shared`": "1,000 connectors wait for one account. Each value of `Shared` has a Lock loop of its own, and asks the database itself. Separate values separate accounts on purpose, " +
		"as in a test of several processes in one program. A program has one value. With a queue in the store, 100 to 150 transactions over 3 seconds would remain.",
	"the same, 4 processes": "10,000 accounts have expired at the start. Four programs and the database share the two cores of this machine. The token requests alone take the second time of the row. " +
		"The rest is work of the database and of the programs: the figures do not separate the two.",
	"a script that sorts the headers": "Three quarters of the processor's time is the engine itself: JavaScript within WebAssembly, where each access to memory is checked, " +
		"each write is marked on a card, and fuel is counted. goja has no limits and no memory of its own.",
	"a connector of a definition, Basic": "The constructor alone is one of the cheapest. A definition checks two values, fills in two templates, and keeps what `Connected` tells.",
	"goroutines that wait for one renewal": "The work does not grow: a waiter takes 64,000 instructions among 1,000, and 44,000 among 10,000, most of them for its goroutine. " +
		"10,000 stacks do not fit into the caches of the processor.",
}

// asRows returns the rows of the table of growth as rows, so that whyNot finds those that are not met.
func asRows(table []growth) (rows []row) {
	for _, g := range table {
		rows = append(rows, row{What: g.What, Met: g.Met})
	}
	return rows
}

// scan is the reason of credentials in a header.
const scan = "Go shows the keys of a map only by iteration. Each name must be seen, so that no other spelling of the credential's header passes. " +
	"The iteration over 3 headers takes 447, and the comparison 61: 508 of the 824 above the floor of 1,924. " +
	"About ten small functions take the rest. One allocation fewer than the floor gives back about 200."

// whyNot returns the rows that are not met and have a reason: the name and the reason.
func whyNot(rows []row) (lines []line) {
	for _, r := range rows {
		if reason := reasons[r.What]; reason != "" && r.Met != "yes" {
			lines = append(lines, line{r.What, reason})
		}
	}
	return lines
}
