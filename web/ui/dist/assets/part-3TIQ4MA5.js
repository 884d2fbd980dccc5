import{a as ce}from"./part-IQAWRL5U.js";import{b as ue}from"./part-HUNQYHPE.js";import{a as z,d as ne,e as H,f as Q,h as U,l as E,s as I,t as m,u as J,v as re,w as k,x as R,z as le}from"./part-YIEUKK25.js";import{A as f,D as ie,E as de,b as a,c as g,d as M,e as P,l as ae,m as $,n as F,p as x,s as A,t as Z,u as T,v as oe,w,y}from"./part-K4XTX4UC.js";var xe={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},Te=["red","green","blue","amber","yellow","white","orange"],V=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],X=e=>V.find(t=>e>=t.ms)??V[V.length-1];function pe(){let e=$.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>a`<${Ce} key=${t.name} l=${t} />`)}</ul>
      <${Se} />
      <${De} />
      ${(e.buttons??[]).map(t=>e.board==="sim"?a`<${Be} key=${t.name} b=${t} />`:a`<${Re} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}var he=()=>a`<dl class="press-does">${[...V].reverse().map(e=>a`<div key=${e.ms}><dt>${e.name}</dt><dd>${e.does}</dd></div>`)}</dl>`;function Re({b:e}){return a`<div class="press-ways"><p class="press-says"><b>${e.label||e.name}</b></p><${he} /></div>`}function Ce({l:e}){let t=Te.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${xe[s]??s}</small></span>
  </li>`}function De(){let e=$.value.board.temperatures??[];return e.length===0?null:a`<p class="muted small" data-testid="temperatures">${e.map(t=>`${t.name} ${t.celsius} °C`).join(" · ")}</p>`}function Se(){let e=$.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(w.value?0:(A.value-$.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function me(e,t){if(!ce.send("board.press",{button:e.name,ms:Math.round(t)})){y("error","Not connected: the button was not pressed.");return}y("info",`${e.label||e.name}: ${X(t).name.toLowerCase()}. ${X(t).does}.`)}function Be({b:e}){let[t,s]=g(null),o=P(0),n=P(0);M(()=>()=>clearInterval(n.current),[]);let u=()=>{o.current||w.value||(o.current=performance.now(),s(0),n.current=window.setInterval(()=>s(performance.now()-o.current),50))},r=d=>{if(!o.current)return;let B=performance.now()-o.current;o.current=0,clearInterval(n.current),s(null),d&&me(e,Math.max(100,B))},c=d=>{d.key!==" "&&d.key!=="Enter"||(d.preventDefault(),d.type==="keydown"&&!d.repeat&&u(),d.type==="keyup"&&r(!0))},b=d=>{d.button===0&&(d.currentTarget.setPointerCapture(d.pointerId),u())},p=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${w.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${c} onKeyUp=${c} onBlur=${()=>r(!1)}
      onPointerDown=${b} onPointerUp=${()=>r(!0)} onPointerCancel=${()=>r(!1)} onContextMenu=${d=>d.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${p} stroke-dashoffset=${p*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${X(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...V].reverse().map(d=>a`<button type="button" key=${d.ms} class="button small" disabled=${w.value} title=${d.does}
        onClick=${()=>me(e,d.ms||100)} data-testid="board-${e.name}-${d.ms}">${d.name}</button>`)}</div>
      <${he} />
    </div>
  </div>`}var j=[{key:"floor_bytes",label:"Floor"},{key:"high_bytes",label:"High mark"},{key:"reserve_bytes",label:"Reserve"},{key:"cap_bytes",label:"Cap"}],W=[{key:"age_hours",label:"Deleted after"},{key:"quota_bytes",label:"Quota"},{key:"keep_hours",label:"Kept at least"}],Y=1e9,Ne=e=>String(Math.round(e*1e3)/1e3);function ee(e,t){return t==null?"":e.endsWith("_bytes")?Ne(t/Y):t%24===0?String(t/24):`${t} h`}function Me(e,t){let s=t.trim().toLowerCase().replace(",",".");if(s==="")return null;let o=/^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(s);if(!o)return NaN;let n=Number(o[1]),u=e.endsWith("_bytes")?{"":Y,gb:Y,mb:1e6,tb:1e12}[o[2]]:{"":24,d:24,day:24,days:24,h:1,hour:1,hours:1}[o[2]];return u===void 0?NaN:Math.round(n*u)}function te(e){let t={};for(let[s,o]of Object.entries(e.volumes??{}))for(let n of j)t[`volumes.${s}.${n.key}`]=ee(n.key,o[n.key]);for(let[s,o]of Object.entries(e.cameras??{}))for(let n of W)t[`cameras.${s}.${n.key}`]=ee(n.key,o[n.key]);return t}function $e(e,t,s){let o={},n=r=>{let c=Me(r,e[r]??"");return Number.isNaN(c)&&(o[r]=r.endsWith("_bytes")?"A number of GB, or with MB or TB.":"A number of days, or hours with h."),c},u={volumes:{},cameras:{}};for(let r of t)u.volumes[r]=Object.fromEntries(j.map(c=>[c.key,n(`volumes.${r}.${c.key}`)]));for(let r of s)u.cameras[r]=Object.fromEntries(W.map(c=>[c.key,n(`cameras.${r}.${c.key}`)]));return{set:u,errors:o}}function fe(e,t,s){let o=e.in_force?.[t]?.[s];return o?`${ee(s,o)} GB`:s==="cap_bytes"?"none":"by the disk"}var Ee={free_floor:"for free space",age:"by age",quota:"by quota",size_cap:"for the cap"};function ge(){let[e,t]=g(null),[s,o]=g({}),[n,u]=g({}),[r,c]=g(null),[b,p]=g(!1),d=F.value?.role==="admin";if(M(()=>{d&&H.get().then(l=>{t(l),o(te(l))}).catch(()=>t(null))},[d]),!d||!e)return null;let B=Object.keys(e.in_force??{}),N=T.value.map(l=>l.id),_=async l=>{let{set:h,errors:L}=$e(s,B,N);if(u(L),c(null),Object.keys(L).length>0)return be(Object.keys(L)[0]);p(!0);try{if(!l)return c(await H.preview(h));let C=await H.set(h);t(C),o(te(C)),y("good","Applied: it is in force now.")}catch(C){let D=C instanceof z?C:null;D?.field?(u({[D.field]:D.message}),be(D.field)):y("error",D?.message??"It could not be applied.")}finally{p(!1)}},O=(l,h,L,C)=>a`<td data-label=${h} class=${n[l]?"field-bad":""}>
    <input id=${l} value=${s[l]??""} placeholder=${C} aria-label="${h} of ${L}" aria-invalid=${n[l]?"true":void 0}
      aria-describedby=${n[l]?`${l}-error`:void 0} data-testid=${l} autocomplete="off"
      onInput=${D=>{o({...s,[l]:D.target.value}),c(null)}} />
    ${n[l]&&a`<p class="field-error" id="${l}-error"><${f} name="warn" size=${14} />${n[l]}</p>`}</td>`,G=l=>T.value.find(h=>h.id===l)?.name??l;return a`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${l=>{l.preventDefault(),_(!0)}} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${j.map(l=>a`<th scope="col" key=${l.key}>${l.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${B.map(l=>a`<tr key=${l}><th scope="row">${l}</th>
          ${j.map(h=>O(`volumes.${l}.${h.key}`,h.label,l,fe(e,l,h.key)))}</tr>`)}</tbody>
      </table></div>
      ${N.length>0&&a`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${N.map(l=>a`<tr key=${l}><th scope="row">${G(l)}</th>
          ${W.map(h=>O(`cameras.${l}.${h.key}`,h.label,G(l),h.key==="age_hours"?"as the disk allows":"none"))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${b||w.value} onClick=${()=>_(!1)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${b||w.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${r&&a`<${Le} plan=${r} name=${G} />`}
  </section>`}function Le({plan:e,name:t}){return a`<div role="status" data-testid="retention-plan">${e.map(s=>a`<div key=${s.volume}>
    <p><b>${s.volume}</b>: ${s.segments===0?"nothing would be deleted.":a`${k(s.segments,"file")}, ${m(s.bytes)}, would be deleted: ${Object.entries(s.bytes_by_rule??{}).filter(([,o])=>o>0).map(([o,n])=>`${m(n)} ${Ee[o]??o}`).join(", ")}.`}</p>
    ${s.segments>0&&a`<ul class="muted small">${Object.entries(s.oldest??{}).map(([o,n])=>a`<li key=${o}>${t(o)} would begin at ${E(Date.parse(n),x.value)}</li>`)}</ul>`}
  </div>`)}</div>`}function be(e){setTimeout(()=>document.getElementById(e)?.focus())}var i=e=>e==null||typeof e=="object"?"":String(e),se=e=>{let t=i(e.reason??e.state_reason);return t?R(t):""},K=e=>{let t=i(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},q=e=>i(e.user)||"Somebody",S=e=>(t,s)=>({text:e(s),detail:se(t)}),v=(e,t)=>{let s=Date.parse(i(e));return Number.isFinite(s)?U(s,t):""},Pe={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],size_cap:["The disk holds as much footage as it may: the oldest is being deleted","Nothing is deleted for the cap any more"],locked_exceeds_cap:["Kept footage alone is more than the disk may hold","Kept footage fits under the cap again"],locked_exceeds_quota:["Kept footage alone is more than a camera may have","Kept footage fits under the quotas again"],evidence_fills_disk:["Kept footage leaves little room to record","Kept footage leaves room to record again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},Fe={worn:"The disk is worn",failing:"The disk is failing",good:"The disk is well again",unknown:"The disk does not tell its wear any more"},ye={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},Ie={age:"as old as they may get",quota:"their camera has its share",size_cap:"the disk holds as much as it may",free_floor:"the oldest, for free space"},Ve={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},je={watchdog_reset:()=>({text:"The watchdog restarted the machine: something had hung"}),disk_health:e=>({text:`${Fe[i(e.status)]??"The disk changed"}${i(e.volume)?` (${i(e.volume)})`:""}`,detail:i(e.reason)}),camera_recording:S(e=>`${e} records`),camera_live:S(e=>`${e} is live, not recorded`),camera_connecting:S(e=>`${e} is connecting`),camera_interrupted:S(e=>`${e} was interrupted`),camera_offline:S(e=>`${e} went offline`),camera_error:S(e=>`${e} has an error`),camera_disabled:S(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${i(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${i(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${I(Number(e.seconds)*1e3||0)}: ${le(i(e.reason))}`,detail:v(e.start,s)?`${v(e.start,s)} – ${v(e.end,s)}`:""}),auth_claimed:e=>({text:`${q(e)} claimed this recorder`,detail:K(e)}),auth_login:e=>({text:`${q(e)} signed in`,detail:K(e)}),auth_logout:e=>({text:`${q(e)} signed out`,detail:K(e)}),auth_login_failed:e=>({text:i(e.user)?`A wrong password for ${q(e)}`:"Somebody failed to sign in",detail:K(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:K(e)}),system_started:e=>({text:"The recorder started",detail:i(e.version)&&`version ${i(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:i(e.summary)}),volume_lost:e=>({text:`Disk ${i(e.volume)} was lost`,detail:se(e)}),volume_absent:e=>({text:`Disk ${i(e.volume)} cannot be used`,detail:se(e)}),volume_present:e=>({text:`Disk ${i(e.volume)} is there`}),volume_replaced:e=>({text:`Disk ${i(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${k(e.segments,"file")}${v(e.from,s)?` from ${v(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=Pe[i(e.reason)]??[`The disk: ${i(e.reason).replace(/_/g," ")}`,`The disk: ${i(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:v(e.from,s)?`Footage from ${v(e.from,s)} to ${v(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?k(e.segments,"file")+" so far":""}),evidence_released:(e,t,s)=>({text:`Footage from ${v(e.from,s)} to ${v(e.to,s)} is not kept any more`,detail:i(e.by)&&`released by ${i(e.by)}`}),retention_changed:e=>({text:`${i(e.by)||"Somebody"} changed how much footage is kept`}),retention_delete:e=>({text:`${k(Number(e.deleted)||0,"file")} deleted: ${Ie[i(e.reason)]??i(e.reason).replace(/_/g," ")}`}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:i(e.error)}),button:e=>({text:`The button was ${Ve[i(e.gesture)]??"used"}${ye[i(e.action)]?`: ${ye[i(e.action)]}`:""}`,detail:i(e.error)})},ke=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function we(e,t="",s="utc"){let o=e.payload??{},n=e.type==="camera_state"||e.type==="camera.state"?`camera_${i(o.state)}`:e.type,u=je[n.replace(".","_")];if(u){let{text:p,detail:d=""}=u(o,t||"A camera",s);return{text:p,detail:d}}let c=i(o.message)||(t?`${t}: ${ke(e.type).toLowerCase()}`:ke(e.type)),b=Object.entries(o).filter(([p,d])=>p!=="message"&&i(d)).slice(0,4).map(([p,d])=>`${p.replace(/_/g," ")} ${i(d)}`).join(", ");return{text:c,detail:b}}function St(){let e=$.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${I(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${Oe} />
    <div class="status-grid">
      <${pe} />
      <div class="status-side">
        <${ze} />
        <${Ze} />
      </div>
      <${Qe} />
      <${Xe} />
      <${ge} />
      <${Ye} />
    </div>
  </main>`}var Ke={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function Oe(){let e=$.value.board;if(!e.state)return null;let t=Ke[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(n=>R(n.replace(/^[a-z ]+: /,""))),o=t.good&&!oe.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${f} name=${t.icon} /><b>${o}</b>
    ${s.length>0&&a`<ul>${s.map(n=>a`<li key=${n}>${n}</li>`)}</ul>`}
  </div>`}function Ae(e){let t=P(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=T.value.reduce((u,r)=>u+(r.state==="recording"?r.bitrate_bps??0:0),0)/8;if(s>0)return s;let o=A.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let n=(o-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function ze(){let e=$.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${["absent","foreign"].includes(t.state)||!t.total_bytes?He:Ue} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${$.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${$.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var ve={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk"},_e=(e,t)=>t&&e.name?a`<b class="disk-name">${e.name}</b> `:null;function He({v:e,named:t}){let[s,o]=g(!1),n=async()=>{o(!0);try{await ne.adopt(e.name??"",e.other??""),y("good","The disk is being taken in use.")}catch(u){y("error",u.message)}finally{o(!1)}};return a`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${_e(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${f} name="warn" size=${14} />${ve[e.state]??e.state}</span></p>
    ${e.reason&&a`<p class="disk-says bad">${R(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&F.value?.role==="admin"&&a`<p><button class="button" type="button" disabled=${s||w.value} onClick=${n} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function Ue({v:e,named:t}){let s=Ae(e),o=e.days_left||ae(e,s),n=Math.max(1,e.total_bytes),u=_=>Math.min(100,Math.max(0,_/n*100)),r=e.total_bytes-e.free_bytes,c=Math.min(e.held_bytes,e.footage_bytes),b=Math.max(0,r-e.footage_bytes),p=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",d=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),B=[{k:"other",w:u(b)},{k:"held",w:u(c)},{k:"footage",w:u(e.footage_bytes-c)}],N=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${_e(e,t)}<b>${m(e.free_bytes)} free</b> of ${m(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${d?"tag-good":"tag-bad"}"><${f} name=${d?"check":"warn"} size=${14} />${ve[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${m(e.footage_bytes)} footage, ${m(c)} of it held, ${m(b)} other, ${m(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${B.map(_=>{let O=N;return N+=_.w,a`<rect key=${_.k} class="bar-${_.k}" x=${O} y="0" width=${_.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-u(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-u(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-u(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${m(e.footage_bytes-c)}</b></li>
      ${c>0&&a`<li><i class="key key-held"></i>Held <b>${m(c)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${m(b)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${m(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${m(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${m(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&a`<p class="disk-says bad">${R(e.reason)}</p>`}
    <p class="disk-says ${p?"bad":""}">${p==="reserve"?a`<${f} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:p==="floor"?a`<${f} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${qe(o)}</b> at ${J(s*8)}.`}</p>
    <${We} v=${e} />
  </div>`}function We({v:e}){let t=e.wear;if(!t)return null;let s=t.status==="worn"||t.status==="failing",o=t.years_left;return a`<p class="disk-says ${s?"bad":""}" data-testid="wear-${e.id}" data-status=${t.status}>
    ${s&&a`<${f} name="warn" size=${16} /> `}${t.status==="unknown"?`Wear not known: ${t.reason??"the disk does not tell"}.`:t.status==="good"?"The disk says it is well.":R(t.reason??"The disk is worn")}
    ${o!==void 0&&a` Lasts <b>about ${o>=100?"a lifetime":o<1?k(Math.max(1,Math.round(o*12)),"month"):k(Math.round(o),"year")}</b>${t.estimated?", as such disks usually do":""}.`}
  </p>`}function qe(e){return e<1?k(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:k(Math.round(e),"day")}var Ge={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function Ze(){let e=$.value,t=e.system.clock,s=x.value,o=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${U(Z.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${f} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${Ge[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&a`<p class="warnline"><${f} name="warn" size=${16} /> ${I(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function Qe(){let e=T.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${Je} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function Je({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=Z.value-t,o=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${de} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${R(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${o?"bad":""}>${Number.isFinite(t)?a`${o&&a`<${f} name="warn" size=${14} /> `}${re(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&ie(e)?J(e.bitrate_bps):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function Xe(){let[e,t]=g([]),s=ue(),o=()=>Q.list().then(r=>t(r.reverse())).catch(()=>t([]));M(()=>{o()},[s]);let n=async r=>{try{await Q.release(r.id),y("good","Released: it is deleted when its time comes.")}catch(c){y("error",c instanceof z?c.message:"It could not be released.")}o()};if(e.length===0)return null;let u=["admin","manager"].includes(F.value?.role??"");return a`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${u&&a`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(r=>a`<tr key=${r.id} data-testid="kept-${r.id}">
        <th scope="row">${(r.cameras??[]).map(c=>T.value.find(b=>b.id===c)?.name??c).join(", ")}</th>
        <td data-label="From" class="mono">${E(Date.parse(r.from),x.value)}</td>
        <td data-label="To" class="mono">${E(Date.parse(r.to),x.value)}</td>
        <td data-label="By">${r.by}${r.reason&&a` <small>${r.reason}</small>`}</td>
        ${u&&a`<td><button type="button" class="button" onClick=${()=>n(r)} data-testid="release-${r.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function Ye(){let e=$.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${et} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function et({e}){let t=T.value.find(n=>n.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=we(e,t,x.value);return a`<li class="event event-${e.severity}">
    <${f} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${E(Date.parse(e.time),x.value)}</time>
    <span class="event-text">${o.text}${o.detail&&a` <small>${o.detail}</small>`}</span>
  </li>`}export{St as StatusScreen};
