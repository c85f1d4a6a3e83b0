package cli

import (
	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/ledger"
)

type previewJSON struct {
	Command        string              `json:"command"`
	DryRun         bool                `json:"dry_run"`
	Events         []previewEventJSON  `json:"events"`
	Vouchers       []voucherNumberJSON `json:"vouchers"`
	Holdings       []holdingJSON       `json:"holdings"`
	*openItemsJSON                     // of a close
}

type previewEventJSON struct {
	Type        string `json:"type"`
	EffectiveOn string `json:"effective_on"`
}

type voucherNumberJSON struct {
	Unit   string `json:"unit"`
	Number string `json:"number"`
}

type holdingJSON struct {
	Fund   string         `json:"fund"`
	Asset  string         `json:"asset"`
	Before heldAmountJSON `json:"before"`
	After  heldAmountJSON `json:"after"`
}

type heldAmountJSON struct {
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Available          string `json:"available"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
}

func newHeldAmountJSON(b domain.Balance, decimals int) heldAmountJSON {
	return heldAmountJSON{
		Posted: money.Format(b.Posted, decimals), Encumbered: money.Format(b.Encumbered, decimals),
		Available: money.Format(b.Available(), decimals),
		Quantity:  money.FormatQuantity(b.Quantity), QuantityEncumbered: money.FormatQuantity(b.QuantityEncumbered),
	}
}

// newPreviewJSON shapes what a command would record; what has no event yet has no ID.
func newPreviewJSON(v *ledger.Preview, a *ledger.Answer, decimals int) previewJSON {
	out := previewJSON{
		Command: a.Command.String(), DryRun: true,
		Events: []previewEventJSON{}, Vouchers: []voucherNumberJSON{}, Holdings: []holdingJSON{},
	}
	for i := range v.Events {
		out.Events = append(out.Events, previewEventJSON{v.Events[i].Body.Type(), v.Events[i].EffectiveOn.String()})
	}
	for _, n := range a.Vouchers {
		out.Vouchers = append(out.Vouchers, voucherNumberJSON(n))
	}
	for _, h := range v.Holdings {
		out.Holdings = append(out.Holdings, holdingJSON{
			h.Fund, string(h.Asset), newHeldAmountJSON(h.Before, decimals), newHeldAmountJSON(h.After, decimals),
		})
	}
	return out
}
