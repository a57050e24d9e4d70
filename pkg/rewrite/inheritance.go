package rewrite

// inheritance holds the rules in snapshots that name the source, by where they stand: the value is the Backup.
type inheritance struct {
	byPlace     map[location]string
	byComponent map[location]string
}

// location is a rule, in canonical form, in a place or a component.
type location struct{ where, rule string }

func newInheritance(r renamer, snapshots []Source) inheritance {
	set := inheritance{byPlace: map[location]string{}, byComponent: map[location]string{}}
	for _, snapshot := range snapshots {
		for _, policy := range snapshot.Policies {
			set.add(r, snapshot.Backup, policy)
		}
	}
	return set
}

func (set inheritance) add(r renamer, backup string, policy Policy) {
	for _, t := range terms(policy) {
		if len(r.selectorEdits("", t.selector)) == 0 {
			continue
		}
		rule := canonical(t)
		set.byPlace[location{policy.Place, rule}] = backup
		set.byComponent[location{policy.Component, rule}] = backup
	}
}

// backup returns which Backup's snapshot holds a rule of a live policy, where that policy comes from; false where none does.
func (set inheritance) backup(live Policy, t term) (string, bool) {
	rule := canonical(t)
	if !live.Derived {
		backup, ok := set.byPlace[location{live.Place, rule}]
		return backup, ok
	}
	if backup, ok := set.byComponent[location{live.Component, rule}]; ok {
		return backup, true
	}
	const clusterWide = ""
	backup, ok := set.byComponent[location{clusterWide, rule}]
	return backup, ok
}
