package live

import "testing"

func TestHeir(t *testing.T) {
	st := Status{Peers: []Peer{{ID: 1, ARU: 5}, {ID: 2, ARU: 9, Silent: heirSilence}, {ID: 4, ARU: 7}, {ID: 5, ARU: 7}}}
	if heir := st.Heir(); heir != 4 {
		t.Errorf("server %d", heir)
	}
	if heir := st.Heir(4, 1); heir != 5 {
		t.Errorf("server %d after 4 and 1", heir)
	}
	if heir := new(Status).Heir(); heir != 0 {
		t.Errorf("server %d of none", heir)
	}
}
