package tokens

import "testing"

func TestVocabularyErrors(t *testing.T) {
	if _, err := NewVocabulary(0, nil); err == nil {
		t.Error("an empty vocabulary was accepted")
	}
}
