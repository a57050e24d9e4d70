package audit

import (
	"strconv"
	"strings"
)

// NewName is the name of the restored cluster in the edits of a Verdict, with a number where the snapshot has that name in it.
const NewName = "restored"

// maxDigits are those of the numbers that a snapshot is large enough to have in it.
const maxDigits = 6

// newName returns a name that is not the source's and that a snapshot does not have in it. It reads the snapshot once: thousands of such names
// can be in it.
func newName(snapshot, source string) string {
	name, taken := NewName, takenNumbers(snapshot)
	for i := 1; taken[i-1] || name == source; i++ {
		name = NewName + strconv.Itoa(i)
	}
	return name
}

// takenNumbers returns which numbers follow NewName in a text, or begin a longer number there. 0 stands for NewName alone. At least two are
// not taken: each NewName in the text takes that and a number of each length.
func takenNumbers(text string) []bool {
	taken := make([]bool, strings.Count(text, NewName)*(1+maxDigits)+2)
	for {
		_, after, found := strings.Cut(text, NewName)
		if !found {
			return taken
		}
		taken[0] = true
		number := 0
		for i := 0; i < len(after) && '0' <= after[i] && after[i] <= '9'; i++ {
			if number = 10*number + int(after[i]-'0'); number == 0 || number >= len(taken) {
				break
			}
			taken[number] = true
		}
		text = after
	}
}
